// Plays the browser extension: an EIP-1193 provider over plain fetch from the page's origin, so that the nodes are called as browsers call
// them (CORS). It keeps the keys and signs; everything else the node answers.
import { JsonRpcProvider, FetchRequest, Wallet } from './ethers.js'

const { keys, urls } = JSON.parse(new URLSearchParams(location.search).get('wallet'))
const listeners = {}
let chain = 0
let key = 0
let asked = 0

class RpcError extends Error {
  constructor({ code, message, data }) {
    super(message)
    Object.assign(this, { code, data })
  }
}

async function forward(method, params = []) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: ++asked, method, params })
  const response = await fetch(urls[chain], { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { result, error } = await response.json()
  if (error) throw new RpcError(error)
  return result
}

const emit = (event, value) => (listeners[event] ?? []).forEach((listener) => listener(value))
const accounts = () => [new Wallet(keys[key]).address]

const own = {
  eth_requestAccounts: accounts,
  eth_accounts: accounts,
  async eth_sendTransaction([{ gas, from, ...fields }]) {
    const node = new JsonRpcProvider(new FetchRequest(urls[chain]))
    const signer = new Wallet(keys[key], node)
    const signed = await signer.signTransaction(await signer.populateTransaction({ ...fields, gasLimit: gas }))
    node.destroy()
    return forward('eth_sendRawTransaction', [signed])
  },
  async wallet_switchEthereumChain([{ chainId }]) {
    const before = chain
    for (chain = 0; chain < urls.length; chain++) {
      if ((await forward('eth_chainId')) === chainId) {
        emit('chainChanged', chainId)
        return null
      }
    }
    chain = before
    throw new RpcError({ code: 4902, message: `no chain ${chainId}` })
  },
}

const provider = {
  request: async ({ method, params }) => (own[method] ? own[method](params) : forward(method, params)),
  on: (event, listener) => (listeners[event] ??= []).push(listener),
  removeListener: (event, listener) => (listeners[event] = (listeners[event] ?? []).filter((other) => other !== listener)),
}
const info = { uuid: crypto.randomUUID(), name: 'Shim', icon: 'data:,', rdns: 'test.shim' }
const announce = () =>
  window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }))
window.addEventListener('eip6963:requestProvider', announce)
announce()

/// What the person does in the extension's own window.
window.chooseAccount = (index) => {
  key = index
  emit('accountsChanged', accounts())
}
