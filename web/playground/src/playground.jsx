import { GraphiQL } from 'graphiql';
import { useEffect, useMemo, useRef, useState } from 'react';
import { load, save } from './credentials.js';
import { examples } from './examples.js';
import { createFetcher } from './fetcher.js';
import { HeaderBar } from './header-bar.jsx';

// How long the fields must rest before the schema is fetched again: a person who types a key is not one who
// wants forty refusals.
const SETTLE_MS = 400;

/** Playground is the whole page: the header bar with the credentials, and GraphiQL below it. */
export function Playground() {
  const [credentials, setCredentials] = useState(load);
  const settled = useSettled(credentials, SETTLE_MS);

  // A request carries what the fields say now, even when it is sent before they settle.
  const current = useRef(credentials);
  current.current = credentials;

  // A new fetcher makes GraphiQL fetch the schema again, with the new credentials.
  const fetcher = useMemo(() => createFetcher(() => current.current), [settled]);

  const change = (part) => {
    const next = { ...credentials, ...part };
    save(next);
    setCredentials(next);
  };

  return (
    <>
      <HeaderBar credentials={credentials} onChange={change} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={examples}
          inputValueDeprecation
          schemaDescription
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          defaultEditorToolsVisibility="variables"
        >
          <GraphiQL.Logo>{null}</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

function useSettled(value, ms) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
