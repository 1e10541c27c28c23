// Drives the playground of a running server in headless Chromium, as a person would:
//
//   node e2e/playground.mjs <base-url> <access-key> <screenshot.png>
//
// It fails when a request leaves for another host, when the console shows an error, or when a step does not show what
// it should. It creates one API and deletes it again. The browser is /usr/bin/chromium, or what CHROMIUM names.
// Beside the screenshot it takes one in the dark theme (-dark) and one on a narrow screen (-phone).

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [baseURL, accessKey, screenshot] = process.argv.slice(2);
if (!screenshot) {
  console.error('Usage: node e2e/playground.mjs <base-url> <access-key> <screenshot.png>');
  process.exit(2);
}

const profile = await mkdtemp(join(tmpdir(), 'gatehouse-playground-'));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  viewport: { width: 1440, height: 900 },
  colorScheme: 'light',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
browser.setDefaultTimeout(20_000);

const foreign = [];
const errors = [];
const sockets = [];
const host = new URL(baseURL).host;
const watch = (url) => {
  const { protocol, host: to } = new URL(url);
  if (/^(http|ws)s?:$/.test(protocol) && to !== host) foreign.push(url);
};
browser.on('request', (request) => watch(request.url()));
browser.on('weberror', (error) => errors.push(error.error().message));
browser.on('console', (message) => message.type() === 'error' && errors.push(message.text()));

try {
  const page = await browser.newPage();
  page.on('websocket', (socket) => {
    watch(socket.url());
    sockets.push(socket.url());
  });
  await run(page).catch(async (error) => {
    // What was on the screen tells more than the step's name; the error matters more than a picture.
    await page.screenshot({ path: screenshot }).catch(() => {});
    throw error;
  });
  assert.deepEqual(foreign, [], 'requests left for other hosts');
  assert.deepEqual(errors, [], 'the console shows errors');
  console.log('playground: all steps passed');
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}

async function run(page) {
  const opened = await page.goto(`${baseURL}/playground`);
  assert.equal(opened.status(), 200);

  await step('the key stays in this tab', async () => {
    await page.getByLabel('Access key').fill(accessKey);
    await page.reload();
    assert.equal(await page.getByLabel('Access key').inputValue(), accessKey, 'a reload forgets the key');
    assert.ok(!page.url().includes(accessKey), 'the key is in the URL');
    const lasting = await page.evaluate(() => JSON.stringify(localStorage));
    assert.ok(!lasting.includes(accessKey), 'the key outlives the tab without being asked to');
  });

  await step('the documentation shows the schema', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const docs = page.locator('.graphiql-doc-explorer');
    await docs.getByRole('link', { name: 'Query', exact: true }).click();
    await docs.getByText('apis', { exact: true }).first().waitFor();
  });

  await step('a query shows its answer', async () => {
    await openTab(page, 'WhoAmI');
    await execute(page);
    const answer = await waitForAnswer(page, /"me":\s*\{/);
    assert.doesNotMatch(answer, /"errors"/);
  });
  await page.screenshot({ path: screenshot });

  await step('a subscription shows a change as it happens', async () => {
    await openTab(page, 'Changes');
    await execute(page);
    await page.getByRole('button', { name: /^Stop query/ }).waitFor();
    const { createApi } = await graphql('mutation($name: String!) { createApi(input: {name: $name}) { id } }', {
      name: `Playground check ${Date.now()}`,
    });
    try {
      await waitForAnswer(page, /"kind":\s*"CREATED"/);
    } finally {
      await graphql('mutation($id: ID!) { deleteApi(id: $id) { id } }', { id: createApi.id });
    }
    assert.ok(sockets.length > 0, 'no websocket was opened');
    await page.getByRole('button', { name: /^Stop query/ }).click();
  });

  await step('the history remembers what ran', async () => {
    await page.getByRole('button', { name: 'Show History' }).click();
    await page.locator('.graphiql-history').getByText('WhoAmI').first().waitFor();
  });

  await step('a wrong key shows the refusal', async () => {
    await openTab(page, 'ListApis');
    await page.getByLabel('Access key').fill('no-such-key');
    await execute(page);
    await waitForAnswer(page, /"errors"/);
    await page.getByLabel('Access key').fill(accessKey);
    await page.waitForTimeout(1000); // The schema is fetched again, perhaps once more with the wrong key.
    // The browser itself reports the status of a refused request as a console error: that one is wanted.
    errors.splice(0, errors.length, ...errors.filter((text) => !/status of 40[13]/.test(text)));
  });

  await step('it can be used in the dark and on a narrow screen', async () => {
    await execute(page);
    await waitForAnswer(page, /"apis":\s*\{/);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(1000); // GraphiQL stores its tabs half a second after they change.
    await page.reload();
    await page.locator('.graphiql-query-editor').getByText('ListApis').first().waitFor();
    await page.locator('.graphiql-editor-tool').getByText('"first"').waitFor();
    assert.equal(await page.locator('.graphiql-tab-active').innerText(), 'ListApis', 'a reload opens another tab');
    await execute(page);
    await waitForAnswer(page, /"apis":\s*\{/);
    await page.screenshot({ path: beside('-dark') });

    await page.getByRole('button', { name: 'Hide History' }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForTimeout(500);
    await page.screenshot({ path: beside('-phone') });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow}px wider than a phone`);
  });
}

async function step(name, act) {
  try {
    await act();
    console.log(`ok   ${name}`);
  } catch (cause) {
    throw new Error(`${name}: ${cause.message}`, { cause });
  }
}

async function openTab(page, name) {
  await page.locator('.graphiql-tab-button').getByText(name, { exact: true }).click();
  await page.locator('.graphiql-query-editor').getByText(name).first().waitFor();
}

async function execute(page) {
  await page.getByRole('button', { name: /^Execute query/ }).click();
}

// The editor draws its spaces as no-break spaces.
async function waitForAnswer(page, pattern) {
  const pane = page.locator('.graphiql-response .view-lines');
  const deadline = Date.now() + 20_000;
  for (;;) {
    const text = (await pane.innerText()).replaceAll('\u00a0', ' ');
    if (pattern.test(text)) return text;
    if (Date.now() > deadline) throw new Error(`no ${pattern} in the answer pane, but: ${text.slice(0, 500)}`);
    await page.waitForTimeout(100);
  }
}

async function graphql(query, variables) {
  const response = await fetch(`${baseURL}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: accessKey },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors: problems } = await response.json();
  assert.equal(problems, undefined, `${query}: ${JSON.stringify(problems)}`);
  return data;
}

function beside(suffix) {
  return screenshot.replace(/(\.\w+)?$/, (extension) => `${suffix}${extension}`);
}
