'use strict'
// The process's timers on virtual time: the earliest one is told to the sandbox, which wakes us for it.

const { AsyncResource } = require('node:async_hooks')
const { Heap } = require('./heap.cjs')
const page = require('./page.cjs')

const LONGEST_MS = 2 ** 31 - 1
const realImmediate = setImmediate
const heap = new Heap()
let order = 0
let referenced = 0
let firing = false

class Timer {
  constructor (name, callback, ms, args, repeats, ref) {
    ms = Number(ms)
    if (!(ms >= 1 && ms <= LONGEST_MS)) ms = 1
    this.callback = callback
    this.args = args
    this.ms = ms
    this.repeats = repeats
    this.ref = ref
    this.resource = new AsyncResource(name, { requireManualDestroy: true })
    this.place = -1
    this.active = false
  }

  // Wait anew, from now on.
  start () {
    if (this.active) heap.remove(this)
    else this.#count(1)
    this.active = true
    this.instant = page.nowNs() + BigInt(Math.trunc(this.ms)) * 1_000_000n
    this.order = order++
    heap.add(this)
    tell()
  }

  stop () {
    if (!this.active) return
    this.active = false
    heap.remove(this)
    this.#count(-1)
    tell()
  }

  setRef (ref) {
    if (this.ref === ref) return
    if (this.active && this.ref) this.#count(-1)
    this.ref = ref
    if (this.active && ref) this.#count(1)
  }

  #count (change) {
    if (!this.ref) return
    referenced += change
    const { socket } = page.ownChannel()
    if (referenced === 0) socket.unref()
    else if (referenced === change) socket.ref()
  }

  fire () {
    if (this.repeats === undefined) this.stop()
    const started = this.order
    try {
      this.resource.runInAsyncScope(this.callback, this.self ?? this, ...this.args)
    } finally {
      if (this.active && this.order === started) {
        this.ms = this.repeats
        this.start()
      }
    }
  }
}

function tell () {
  if (firing) return
  const channel = page.ownChannel()
  channel.woken = fireNext
  channel.wakeAt(heap.first?.instant ?? 0n)
}

// One timer in each turn of the event loop, so that promises are settled between two of them, as Node.js does.
function fireNext () {
  firing = false
  const timer = heap.first
  if (timer === undefined || timer.instant > page.nowNs()) return tell()
  firing = true
  realImmediate(fireNext)
  timer.fire()
}

module.exports = { Timer }
