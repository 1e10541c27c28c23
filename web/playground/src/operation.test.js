import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operationOf } from './operation.js';

test('the only operation is the one that runs, whatever tab was open before', () => {
  const { operationName, documentAST } = operationOf({ query: 'subscription Changes { x }', operationName: 'WhoAmI' });
  assert.equal(operationName, 'Changes');
  assert.equal(documentAST.definitions[0].operation, 'subscription');
});

test('an operation without a name needs none', () => {
  assert.equal(operationOf({ query: '{ x }', operationName: 'WhoAmI' }).operationName, undefined);
});

test('among several the person has chosen', () => {
  const query = 'query A { x } query B { x }';
  assert.equal(operationOf({ query, operationName: 'B' }).operationName, 'B');
});

test('a fragment is no operation', () => {
  const query = 'query A { ...F } fragment F on Query { x }';
  assert.equal(operationOf({ query }).operationName, 'A');
});

test('a text with a mistake goes to the server as it is', () => {
  assert.deepEqual(operationOf({ query: 'query {', operationName: 'A' }), { operationName: 'A' });
});
