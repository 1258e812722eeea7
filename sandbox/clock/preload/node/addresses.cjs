'use strict'
// A container's own network: what it listens on gets an address that no other container has. See addresses.py.

const net = require('node:net')

const EVERY = new Set(['', '0.0.0.0', '::', '::0', undefined, null])
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1'])

function install ({ address, inner, ports = [], below = 0, shift = 0 }) {
  const higher = (port) => (Number(port) > 0 && Number(port) < below ? Number(port) + shift : port)
  const bound = (host) => (EVERY.has(host) ? address : LOOPBACK.has(host) ? inner : host)

  const realListen = net.Server.prototype.listen
  net.Server.prototype.listen = function listen (...args) {
    const first = args[0]
    if (first !== null && typeof first === 'object' && !first._handle && first.fd === undefined && !first.path) {
      args[0] = { ...first, host: bound(first.host), port: higher(first.port) }
    } else if (typeof first === 'number' || /^\d+$/.test(first ?? '') || first === undefined) {
      args[0] = higher(first)
      if (typeof args[1] === 'string') args[1] = bound(args[1])
      else args.splice(1, 0, address)
    }
    return realListen.apply(this, args)
  }

  const translated = (options) => {
    const here = options && typeof options === 'object' && !options.path && LOOPBACK.has(options.host ?? 'localhost')
    return here && ports.includes(Number(options.port)) ? { ...options, host: address, port: higher(options.port) } : options
  }
  const realConnect = net.Socket.prototype.connect
  net.Socket.prototype.connect = function connect (...args) {
    const first = args[0]
    if (Array.isArray(first)) first[0] = translated(first[0]) // arguments that Node.js has put in order already
    else if (first !== null && typeof first === 'object') args[0] = translated(first)
    return realConnect.apply(this, args)
  }
}

module.exports = { install }
