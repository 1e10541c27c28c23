// The tabs that a first visit opens: examples/<order>-<name>.graphql, with its variables beside it where it has some.
const queries = import.meta.glob('../examples/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob('../examples/*.variables.json', { query: '?raw', import: 'default', eager: true });

export const examples = Object.keys(queries)
  .sort()
  .map((path) => ({
    query: queries[path].trim(),
    variables: variables[path.replace(/\.graphql$/, '.variables.json')]?.trim(),
  }));
