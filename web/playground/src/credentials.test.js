import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers, load, none, save } from './credentials.js';

class FakeStorage extends Map {
  getItem = (key) => this.get(key) ?? null;
  setItem = (key, value) => this.set(key, value);
  removeItem = (key) => this.delete(key);
}

class BlockedStorage {
  getItem() { throw new Error('blocked'); }
  setItem() { throw new Error('blocked'); }
  removeItem() { throw new Error('blocked'); }
}

const typed = { accessKey: 'key', adminSecret: 'secret', remember: false };

test('without remember the credentials stay in the session', () => {
  const session = new FakeStorage(), local = new FakeStorage();
  save(typed, session, local);
  assert.equal(local.size, 0);
  assert.deepEqual(load(session, local), typed);
  assert.deepEqual(load(new FakeStorage(), local), none, 'another session knows nothing');
});

test('with remember another session finds them', () => {
  const local = new FakeStorage();
  save({ ...typed, remember: true }, new FakeStorage(), local);
  assert.deepEqual(load(new FakeStorage(), local), { ...typed, remember: true });
});

test('taking remember back removes the lasting copy', () => {
  const session = new FakeStorage(), local = new FakeStorage();
  save({ ...typed, remember: true }, session, local);
  save(typed, session, local);
  assert.equal(local.size, 0);
  assert.deepEqual(load(session, local), typed);
});

test('emptying both fields leaves nothing behind', () => {
  const session = new FakeStorage(), local = new FakeStorage();
  save(typed, session, local);
  save({ ...typed, accessKey: '', adminSecret: '' }, session, local);
  assert.equal(session.size + local.size, 0);
});

test('a blocked or missing storage loses nothing but the memory', () => {
  save(typed, new BlockedStorage(), new BlockedStorage());
  save(typed, undefined, undefined);
  assert.deepEqual(load(new BlockedStorage(), undefined), none);
});

test('a value that somebody else left is ignored', () => {
  const session = new FakeStorage([['gatehouse:credentials', '{not json']]);
  assert.deepEqual(load(session, new FakeStorage()), none);
});

test('headers carry what was typed, without the spaces of a paste', () => {
  assert.deepEqual(headers({ accessKey: ' key\n', adminSecret: '' }), { Authorization: 'key' });
  assert.deepEqual(headers(typed), { Authorization: 'key', 'admin-auth': 'secret' });
  assert.deepEqual(headers(none), {});
});

test('the headers pane wins over the bar, whatever the case of its names', () => {
  assert.deepEqual(headers(typed, { authorization: 'other', 'X-Trace': '1' }), {
    Authorization: 'other',
    'admin-auth': 'secret',
    'X-Trace': '1',
  });
});
