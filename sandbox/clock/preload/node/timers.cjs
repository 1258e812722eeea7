'use strict'
// setTimeout, setInterval, timers/promises, AbortSignal.timeout and Atomics.wait.

const timers = require('node:timers')
const timersPromises = require('node:timers/promises')
const { inspect, promisify } = require('node:util')
const page = require('./page.cjs')
const { Timer } = require('./schedule.cjs')

const real = { ...timers }
const realPromises = { ...timersPromises }
const numbered = new Map()
let lastNumber = 0

class Timeout {
  #timer
  #number

  constructor (callback, ms, args, repeats, ref = true) {
    this.#timer = new Timer('Timeout', callback, ms, args, undefined, ref)
    if (repeats) this.#timer.repeats = this.#timer.ms
    this.#timer.self = this
    this.#timer.start()
  }

  get _idleTimeout () { return this._destroyed ? -1 : this.#timer.ms }
  get _onTimeout () { return this._destroyed ? null : this.#timer.callback }
  get _repeat () { return this.#timer.repeats ?? null }
  get _destroyed () { return !this.#timer.active }

  ref () {
    this.#timer.setRef(true)
    return this
  }

  unref () {
    this.#timer.setRef(false)
    return this
  }

  hasRef () {
    return this.#timer.ref
  }

  refresh () {
    this.#timer.start()
    return this
  }

  close () {
    this.#timer.stop()
    numbered.delete(this.#number)
    return this
  }

  [Symbol.toPrimitive] () {
    if (this.#number === undefined) {
      this.#number = ++lastNumber
      numbered.set(this.#number, this)
    }
    return this.#number
  }

  [Symbol.dispose ?? Symbol.for('nodejs.dispose')] () {
    this.close()
  }

  [inspect.custom] () {
    return `Timeout { ${this.#timer.ms} ms${this._repeat ? ', repeated' : ''} }`
  }
}

function setTimeout (callback, ms, ...args) {
  if (typeof callback !== 'function') return real.setTimeout(callback)
  return new Timeout(callback, ms, args, false)
}

function setInterval (callback, ms, ...args) {
  if (typeof callback !== 'function') return real.setInterval(callback)
  return new Timeout(callback, ms, args, true)
}

function clearTimeout (timer) {
  if (typeof timer === 'number' || typeof timer === 'string') timer = numbered.get(Number(timer))
  if (timer instanceof Timeout) timer.close()
  else if (timer) real.clearTimeout(timer)
}

function aborted (signal) {
  const error = new Error('The operation was aborted', { cause: signal.reason })
  error.name = 'AbortError'
  error.code = 'ABORT_ERR'
  return error
}

function later (ms, value, options) {
  const { signal, ref = true } = options ?? {}
  if (signal !== undefined && !('aborted' in Object(signal))) return realPromises.setTimeout(ms, value, options)
  if (signal?.aborted) return Promise.reject(aborted(signal))
  return new Promise((resolve, reject) => {
    const stop = () => {
      timer.close()
      reject(aborted(signal))
    }
    const timer = new Timeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve(value)
    }, ms, [], false, ref)
    signal?.addEventListener('abort', stop, { once: true })
  })
}

async function * everyNow (ms, value, options) {
  const { signal, ref = true } = options ?? {}
  if (signal?.aborted) throw aborted(signal)
  let passed = 0
  let wake = () => {}
  const ring = () => wake()
  const timer = new Timeout(() => {
    passed += 1
    ring()
  }, ms, [], true, ref)
  signal?.addEventListener('abort', ring, { once: true })
  try {
    for (;;) {
      if (signal?.aborted) throw aborted(signal)
      if (passed === 0) await new Promise((resolve) => { wake = resolve })
      for (; passed > 0; passed -= 1) yield value
    }
  } finally {
    timer.close()
    signal?.removeEventListener('abort', ring)
  }
}

function abortAfter (ms) {
  if (!(Number(ms) >= 0)) return realAbortAfter(ms)
  const controller = new AbortController()
  const expire = () =>
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  new Timeout(expire, ms, [], false, false) // eslint-disable-line no-new
  return controller.signal
}
const realAbortAfter = AbortSignal.timeout.bind(AbortSignal)

function wait (array, index, value, ms) {
  if (ms === undefined || !(Number(ms) > 0 && Number(ms) < Infinity)) return page.realWait(array, index, value, ms)
  let result
  page.sleepUntil(page.nowNs() + BigInt(Math.round(Number(ms) * 1e6)), (pause) => {
    const first = result === undefined
    result = page.realWait(array, index, value, pause)
    // Woken between two of the short waits, of which it makes one: the value is another one by then.
    if (result === 'not-equal' && !first) result = 'ok'
    return result !== 'timed-out'
  })
  result ??= 'timed-out'
  return result
}

function install () {
  const replaced = { setTimeout, setInterval, clearTimeout, clearInterval: clearTimeout }
  Object.defineProperty(setTimeout, promisify.custom, { enumerable: true, get: () => later })
  Object.assign(timers, replaced)
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true })
  }
  Object.assign(timersPromises, { setTimeout: later, setInterval: everyNow })
  const scheduler = timersPromises.scheduler
  if (scheduler) {
    Object.defineProperty(Object.getPrototypeOf(scheduler), 'wait', {
      value: (ms, options) => later(ms, undefined, options), writable: true, configurable: true
    })
  }
  AbortSignal.timeout = abortAfter
  Atomics.wait = wait
}

module.exports = { install }
