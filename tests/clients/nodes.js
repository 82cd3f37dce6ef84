// Processes with an address: the nodes of this workspace.
import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'

/// Starts a daemon, with its log in `log`, and waits until it says where it listens.
export async function start(program, args, log) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', openSync(log, 'a')] })
  const ended = new Promise((_, fail) => {
    child.once('error', fail)
    child.once('exit', (code) => fail(new Error(`${program} ended with ${code}; its log: ${log}`)))
  })
  ended.catch(() => {}) // it ends in any case, some day
  const said = (async () => {
    for await (const line of createInterface(child.stdout)) {
      const found = line.match(/^listening on (\S+)$/)
      if (found) return found[1]
    }
    return await ended
  })()
  const address = await Promise.race([said, ended])
  child.stdout.resume()
  const stop = () =>
    new Promise((done) => {
      if (child.exitCode !== null || child.signalCode !== null) return done()
      child.once('exit', done)
      child.kill('SIGKILL')
    })
  return { url: `http://${address}`, address, stop }
}
