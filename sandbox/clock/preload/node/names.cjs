'use strict'
// The names of AWS and of the sandbox: connections to them reach the sandbox.

const dns = require('node:dns')
const net = require('node:net')

function install ({ suffixes = [], exact = [], host = '127.0.0.1', ports = {} }) {
  const ours = (name) => {
    if (typeof name !== 'string') return false
    name = name.replace(/\.$/, '').toLowerCase()
    return exact.includes(name) || suffixes.some((suffix) => name.endsWith(suffix))
  }
  const translated = (options) => {
    if (!options || typeof options !== 'object' || options.path || !ours(options.host)) return options
    return { ...options, host, port: ports[options.port] ?? options.port }
  }

  const realConnect = net.Socket.prototype.connect
  net.Socket.prototype.connect = function connect (...args) {
    const first = args[0]
    if (Array.isArray(first)) first[0] = translated(first[0]) // arguments that Node.js has put in order already
    else if (typeof first === 'object') args[0] = translated(first)
    else if (ours(args[1])) args.splice(0, 2, ports[first] ?? first, host)
    return realConnect.apply(this, args)
  }

  for (const module of [dns, dns.promises]) {
    const realLookup = module.lookup
    module.lookup = function lookup (name, ...rest) {
      return realLookup.call(this, ours(name) ? host : name, ...rest)
    }
  }
}

module.exports = { install }
