'use strict'
// Date, performance and process: what they say about the time.

const { performance } = require('node:perf_hooks')

function install (page) {
  const startNs = page.nowNs()
  installDate(page)
  installPerformance(page, startNs, Number(page.epochNs()) / 1e6)
  installProcess(page, startNs)
}

function installDate (page) {
  const RealDate = Date
  const now = () => page.epochMs()
  Object.defineProperty(RealDate, 'now', { value: now, writable: true, configurable: true })
  Object.defineProperty(now, 'name', { value: 'now' })
  // The prototype stays the same: dates made inside Node.js are instances of this Date, too.
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length ? args : [now()], newTarget),
    apply: () => new RealDate(now()).toString()
  })
  Object.defineProperty(RealDate.prototype, 'constructor', {
    value: globalThis.Date, writable: true, configurable: true
  })
}

function installPerformance (page, startNs, timeOrigin) {
  const prototype = Object.getPrototypeOf(performance)
  const define = (name, descriptor) =>
    Object.defineProperty(prototype, name, { configurable: true, enumerable: true, ...descriptor })
  define('now', { value: () => Number(page.monotonicNs() - startNs) / 1e6, writable: true })
  define('timeOrigin', { get: () => timeOrigin })
}

function installProcess (page, startNs) {
  const hrtime = (before) => {
    const now = page.monotonicNs()
    let seconds = Number(now / 1_000_000_000n)
    let nanoseconds = Number(now % 1_000_000_000n)
    if (before !== undefined) {
      seconds -= before[0]
      nanoseconds -= before[1]
      if (nanoseconds < 0) {
        seconds -= 1
        nanoseconds += 1e9
      }
    }
    return [seconds, nanoseconds]
  }
  hrtime.bigint = () => page.monotonicNs()
  process.hrtime = hrtime
  process.uptime = () => Number(page.monotonicNs() - startNs) / 1e9
}

module.exports = { install }
