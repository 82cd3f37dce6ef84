// A page and its wallet in headless Chromium: see page/.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { formatEther } from 'ethers'
import { chromium } from 'playwright-core'
import { createPublicClient, http, parseEther } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { chains, key } from './env.js'

const files = {
  '/': ['page/index.html', 'text/html'],
  '/app.js': ['page/app.js', 'text/javascript'],
  '/wallet.js': ['page/wallet.js', 'text/javascript'],
  '/ethers.js': ['node_modules/ethers/dist/ethers.min.js', 'text/javascript'],
}
const server = createServer((request, response) => {
  const found = files[new URL(request.url, 'http://page').pathname]
  if (!found) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': found[1] })
  createReadStream(join(import.meta.dirname, found[0])).pipe(response)
})

const nodes = chains.map(({ url }) => createPublicClient({ transport: http(url) }))
const keys = [key, generatePrivateKey()]
const [account, other] = keys.map((key) => privateKeyToAccount(key))
const to = privateKeyToAccount(generatePrivateKey()).address
const chromiumPath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
const trouble = []
let browser, page, ids

before(async () => {
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  ids = await Promise.all(nodes.map((node) => node.getChainId()))
  const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync']
  // Playwright starts it with a new profile in a folder of its own.
  browser = await chromium.launch({ executablePath: chromiumPath, headless: true, args: flags })
  page = await browser.newPage({ viewport: { width: 900, height: 620 } })
  page.on('pageerror', (error) => trouble.push(`${error}`))
  page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()))
  const wallet = { keys, urls: chains.map(({ url }) => url) }
  const query = new URLSearchParams({ wallet: JSON.stringify(wallet), chains: JSON.stringify(ids) })
  await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`)
})
after(async () => {
  await browser?.close()
  server.close()
})

const shows = async (id, text) => page.locator(`#${id}`, { hasText: text }).waitFor()
const balance = async (node, address) => `${formatEther(await node.getBalance({ address }))} ether`
async function send(amount) {
  await page.fill('#to', to)
  await page.fill('#amount', amount)
  await page.click('#send')
}

test('connects to the wallet that was announced', async () => {
  await shows('wallet', 'Shim (test.shim)')
  await page.click('#connect')
  await shows('chain', `${ids[0]}`)
  await shows('account', account.address)
  await shows('balance', await balance(nodes[0], account.address))
})

for (const [index, { name }] of chains.entries()) {
  test(`sends on ${name}, and shows the receipt`, async () => {
    if (index > 0) await page.click('#switch') // the wallet tells the page by chainChanged
    await shows('chain', `${ids[index]}`)
    await shows('balance', await balance(nodes[index], account.address))
    await send('1.5')
    await shows('sent', new RegExp(`block \\d+ of chain ${ids[index]}, 21000 gas`))
    assert.equal(await nodes[index].getBalance({ address: to }), parseEther('1.5'))
    await shows('balance', await balance(nodes[index], account.address))
  })

  test(`shows on ${name} why a transaction is refused`, async () => {
    await send('1000000')
    await shows('problem', /INSUFFICIENT_FUNDS/)
  })
}

test('follows the account that the person chooses', async () => {
  await page.evaluate(() => window.chooseAccount(1))
  await shows('account', other.address)
  await shows('balance', '0.0 ether')
  await page.screenshot({ path: join(process.env.BINARIES, 'page.png') }) // to be looked at
})

test('saw no error in the console', () => assert.deepEqual(trouble, []))
