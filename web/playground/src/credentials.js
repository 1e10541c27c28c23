// Credentials are what the two fields of the header bar hold. They live in this browser only: in the session
// storage of the tab, or in the local storage when the person asks to be remembered. They never enter a URL.

const KEY = 'gatehouse:credentials';

/** What a person who has typed nothing yet has. */
export const none = Object.freeze({ accessKey: '', adminSecret: '', remember: false });

/** load returns what was saved before; whatever cannot be read counts as nothing saved. */
export function load(session = storage('sessionStorage'), local = storage('localStorage')) {
  for (const [from, remember] of [[session, false], [local, true]]) {
    try {
      const saved = JSON.parse(from.getItem(KEY));
      if (saved) {
        return { accessKey: String(saved.accessKey ?? ''), adminSecret: String(saved.adminSecret ?? ''), remember };
      }
    } catch {
      // A blocked storage or a foreign value: ask again.
    }
  }
  return none;
}

/** save keeps the credentials in one of the two storages and removes them from the other. */
export function save(credentials, session = storage('sessionStorage'), local = storage('localStorage')) {
  const { accessKey, adminSecret, remember } = credentials;
  const [into, outOf] = remember ? [local, session] : [session, local];
  try {
    outOf?.removeItem(KEY);
    if (accessKey || adminSecret) {
      into?.setItem(KEY, JSON.stringify({ accessKey, adminSecret }));
    } else {
      into?.removeItem(KEY);
    }
  } catch {
    // A blocked or full storage: the credentials then last as long as the page.
  }
}

/**
 * headers returns the request headers: the credentials, and over them what the Headers pane of a tab says.
 * Names are compared without case, as HTTP does; a browser would join two spellings of one name into one value.
 */
export function headers({ accessKey, adminSecret }, extra = {}) {
  const result = {};
  const set = (name, value) => {
    const known = Object.keys(result).find((key) => key.toLowerCase() === name.toLowerCase());
    result[known ?? name] = value;
  };
  if (accessKey.trim()) set('Authorization', accessKey.trim());
  if (adminSecret.trim()) set('admin-auth', adminSecret.trim());
  for (const [name, value] of Object.entries(extra)) set(name, value);
  return result;
}

// Reading the property itself throws where a browser blocks storage.
function storage(name) {
  try {
    return globalThis[name];
  } catch {
    return undefined;
  }
}
