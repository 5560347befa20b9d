/** A gateway between real mail servers: it shows a certificate, relays for this host, and demands TLS of `localhost`. */
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport, type SendMailOptions } from 'nodemailer'
import {
  checkout,
  gatewayFolder,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'

/** @param routes lines of `delivery.routes` */
export async function gatewayBetween(routes: readonly string[]): Promise<StartedGateway> {
  const folder = await gatewayFolder()
  for (const name of ['mx.test.pem', 'mx.test.key']) {
    await cp(join(checkout, 'test/fixtures/tls', name), join(folder.config, name))
  }
  const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  const listen = '    listen: 127.0.0.1:0\n'
  const delivery = `delivery:
  routes:
${routes.map((route) => `    ${route}\n`).join('')}  tls: { localhost: verify mx.test, 127.0.0.1: none }
  tls_ca: mx.test.pem
  xforward: [localhost]
`
  await folder.write(
    'postern.yaml',
    yaml
      .replace(listen, `${listen}    certificate: mx.test.pem\n    key: mx.test.key\n`)
      .replace('delivery:\n', delivery),
  )
  await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
  return startGateway(folder)
}

/** Sends one message to a port of this host, in the clear. */
export async function sendTo(port: number, mail: SendMailOptions): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  await transport.sendMail({ from: 'alice@postern.test', subject: 'a test', ...mail })
}
