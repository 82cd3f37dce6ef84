// A page as others write them: it finds a wallet by EIP-6963, and speaks to it by ethers' BrowserProvider.
import { BrowserProvider, formatEther, parseEther } from './ethers.js'

const at = (id) => document.getElementById(id)
const chains = JSON.parse(new URLSearchParams(location.search).get('chains'))
let wallet, provider

window.addEventListener('eip6963:announceProvider', ({ detail }) => {
  wallet = detail.provider
  at('wallet').textContent = `${detail.info.name} (${detail.info.rdns})`
  at('connect').disabled = false
})
window.dispatchEvent(new Event('eip6963:requestProvider'))

/// Shows what the wallet is connected to now.
async function show() {
  provider = new BrowserProvider(wallet)
  const [account] = await wallet.request({ method: 'eth_accounts' })
  at('chain').textContent = `${(await provider.getNetwork()).chainId}`
  at('account').textContent = account
  at('balance').textContent = `${formatEther(await provider.getBalance(account))} ether`
  for (const id of ['switch', 'send']) at(id).disabled = false
}

/// Does something, and tells why it failed.
const attempt = (act) => async (event) => {
  event.preventDefault()
  at('problem').textContent = ''
  await act().catch((error) => (at('problem').textContent = `${error.code}: ${error.shortMessage ?? error.message}`))
}

at('connect').onclick = attempt(async () => {
  await wallet.request({ method: 'eth_requestAccounts' })
  wallet.on('chainChanged', show)
  wallet.on('accountsChanged', show)
  await show()
})

at('switch').onclick = attempt(async () => {
  const other = chains.find((id) => `${id}` !== at('chain').textContent)
  await wallet.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: `0x${other.toString(16)}` }] })
})

at('form').onsubmit = attempt(async () => {
  const signer = await provider.getSigner()
  const sent = await signer.sendTransaction({ to: at('to').value, value: parseEther(at('amount').value) })
  const line = at('sent').appendChild(document.createElement('li'))
  line.textContent = `${sent.hash}: waiting`
  const receipt = await sent.wait()
  line.textContent = `${sent.hash}: block ${receipt.blockNumber} of chain ${at('chain').textContent}, ${receipt.gasUsed} gas`
  await show()
})
