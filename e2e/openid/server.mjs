// An OpenID provider for the tests: node server.mjs '{"client": ..., "secret": ..., "redirect": ..., "people": {id: claims}}'.
// It listens on a free port of the loopback, and prints its address. People sign in by their id, and with any password.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const { client, secret, redirect, people } = JSON.parse(process.argv[2]);
const server = http.createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: secret, redirect_uris: [redirect] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
