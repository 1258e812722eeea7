'use strict'
// The time limit of sockets (and so of http and tls): Node.js uses timers of its own for it. And small packets, which
// the kernel keeps back for 40 ms of its own time: they would be lost on the way while all are asleep.

const net = require('node:net')
const { Timer } = require('./schedule.cjs')

const idle = Symbol('idle')

function setLimit (ms, callback) {
  if (this.destroyed) return this
  if (typeof ms !== 'number' || !(ms >= 0 && Number.isFinite(ms)) ||
      (callback !== undefined && typeof callback !== 'function')) {
    return realSetTimeout.call(this, ms, callback) // says what is wrong
  }
  this.timeout = ms
  this[idle]?.stop()
  this[idle] = undefined
  if (ms === 0) {
    if (callback !== undefined) this.removeListener('timeout', callback)
    return this
  }
  this[idle] = new Timer('Timeout', () => this._onTimeout(), ms, [], undefined, false)
  this[idle].start()
  if (callback !== undefined) this.once('timeout', callback)
  return this
}
const realSetTimeout = net.Socket.prototype.setTimeout

function install () {
  const prototype = net.Socket.prototype
  const realDestroy = prototype._destroy
  prototype.setTimeout = setLimit
  prototype._unrefTimer = function _unrefTimer () {
    for (let socket = this; socket; socket = socket._parent) {
      if (socket[idle]?.active) socket[idle].start()
    }
  }
  const realConnect = prototype.connect
  prototype.connect = function connect (...args) {
    this.setNoDelay(true)
    return realConnect.apply(this, args)
  }
  const realListen = net.Server.prototype.listen
  net.Server.prototype.listen = function listen (...args) {
    this.noDelay = true
    return realListen.apply(this, args)
  }
  prototype._destroy = function _destroy (...args) {
    for (let socket = this; socket; socket = socket._parent) socket[idle]?.stop()
    return realDestroy.apply(this, args)
  }
}

module.exports = { install }
