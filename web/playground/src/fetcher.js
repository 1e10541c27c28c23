import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import { headers } from './credentials.js';
import { operationOf } from './operation.js';

const ENDPOINT = '/graphql';

/**
 * createFetcher returns GraphiQL's way to the server: queries and mutations by POST, subscriptions by websocket,
 * both with the credentials of the moment (a browser cannot set headers on a websocket, so there they travel in
 * connection_init, under the same names).
 */
export function createFetcher(currentCredentials) {
  return (params, options) => {
    const sent = headers(currentCredentials(), options?.headers);
    const fetcher = createGraphiQLFetcher({
      url: ENDPOINT,
      fetch: fetchJSON,
      enableIncrementalDelivery: false,
      // Connects when a subscription starts and not before. No retries: a refusal should be read, not repeated.
      wsClient: createClient({ url: websocketURL(), connectionParams: sent, retryAttempts: 0 }),
    });
    const { documentAST, operationName } = operationOf(params);
    return fetcher({ ...params, operationName }, { ...options, headers: sent, documentAST });
  };
}

function websocketURL() {
  const url = new URL(ENDPOINT, window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

// fetchJSON says what happened when the answer is not GraphQL's, for instance a proxy's error page.
async function fetchJSON(url, init) {
  let response;
  try {
    response = await window.fetch(url, init);
  } catch (cause) {
    throw new Error(`The server cannot be reached at ${url}. Is it running?`, { cause });
  }
  const type = response.headers.get('content-type') ?? 'no content type';
  if (!/[/+]json\b/.test(type)) {
    const text = (await response.text()).trim().slice(0, 300);
    throw new Error(`${url} answered ${response.status} with ${type} instead of JSON${text && `: ${text}`}`);
  }
  return response;
}
