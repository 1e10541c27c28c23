import { Kind, parse } from 'graphql';

/**
 * operationOf returns the document of a request and the name of the operation to run, as the text says them.
 * GraphiQL reads the text a moment after it changes, so what it passes along belongs to the tab before when a person
 * runs a tab right after opening it. A text that cannot be parsed is left to the server, which says what is wrong.
 */
export function operationOf({ query, operationName }) {
  let documentAST;
  try {
    documentAST = parse(query);
  } catch {
    return { operationName };
  }
  const names = documentAST.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((definition) => definition.name?.value);
  return { documentAST, operationName: names.length === 1 ? names[0] : operationName };
}
