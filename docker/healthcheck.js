/** Is the gateway greeting? Exit 0: a 220 within five seconds; 1 otherwise. HOST:PORT by POSTERN_HEALTH. */
import { connect } from 'node:net'
import process from 'node:process'

const [host, port] = (process.env.POSTERN_HEALTH ?? '127.0.0.1:2525').split(':')
const end = (code) => {
  process.exitCode = code
  socket.destroy()
}
const socket = connect(Number(port), host)
socket.setTimeout(5000, () => end(1))
socket.once('error', () => end(1))
socket.once('close', () => (process.exitCode ??= 1))
socket.once('data', (greeting) => {
  socket.write('QUIT\r\n')
  end(greeting.toString('latin1').startsWith('220') ? 0 : 1)
})
