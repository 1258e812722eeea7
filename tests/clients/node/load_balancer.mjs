// fetch, node:http2 and WebSocket of Node.js through a load balancer.
import http2 from 'node:http2'

const { path, host, port } = JSON.parse(process.env.INPUT)
const tell = (value) => console.log(JSON.stringify(value))

const answer = await fetch(`${process.env.AWS_ENDPOINT_URL}${path}/events`, { method: 'POST', body: 'ask' })
let text = ''
for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) text += piece
tell({ fetch: answer.status, type: answer.headers.get('content-type'), text })

const session = http2.connect(process.env.AWS_ENDPOINT_URL)
const ask = (number) => new Promise((resolve, reject) => {
  const stream = session.request({ ':path': `/events?n=${number}`, ':method': 'POST', ':authority': host })
  let status, body = ''
  stream.setEncoding('utf8')
  stream.on('response', (headers) => { status = headers[':status'] })
  stream.on('data', (piece) => { body += piece })
  stream.on('end', () => resolve({ http2: status, text: body }))
  stream.on('error', reject)
  stream.end('ask')
})
for (const result of await Promise.all([1, 2, 3].map(ask))) tell(result)
session.close()

const socket = new WebSocket(`ws://127.0.0.1:${port}${path}/talk`, ['chat'])
await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject })
socket.send('hello')
const said = await new Promise((resolve) => { socket.onmessage = (event) => resolve(event.data) })
const closed = new Promise((resolve) => { socket.onclose = resolve })
socket.close(1000, 'done')
tell({ websocket: said, protocol: socket.protocol, code: (await closed).code })
