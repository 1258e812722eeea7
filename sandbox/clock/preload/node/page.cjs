'use strict'
// What time it is, and the file in which this thread writes when it wants to be woken
// (layout: sandbox/clock/wakeups.py).

const { openSync, readSync, writeSync } = require('node:fs')
const net = require('node:net')
const { threadId } = require('node:worker_threads')

const READS_PER_MS = 20_000 // a loop that only asks for the time moves it by a millisecond in so many readings
const MILLISECOND = 1_000_000n
const LONGEST_PAUSE_MS = 2

const words = new BigInt64Array(2)
const bytes = new Uint8Array(words.buffer)
const realWait = Atomics.wait
const realConnect = net.Socket.prototype.connect
const cell = new Int32Array(new SharedArrayBuffer(4))

let folder
let file
let channel
let left = READS_PER_MS
let seen = 0n

function open (where) {
  folder = where
  file = openSync(`${folder}/now`, 'r')
  return module.exports
}

function read () {
  readSync(file, bytes, 0, 16, 0)
}

// As `read`, for a program that asks what time it is.
function look () {
  read()
  if (--left <= 0) {
    if (seen === words[1]) sleepUntil(seen + MILLISECOND)
    seen = words[1]
    left = READS_PER_MS
  }
}

function epochMs () {
  look()
  return Number(words[0] / MILLISECOND)
}

function monotonicNs () {
  look()
  return words[1]
}

// Nanoseconds of the monotonic clock, for ourselves.
function nowNs () {
  read()
  return words[1]
}

function epochNs () {
  read()
  return words[0]
}

class Channel {
  constructor () {
    const name = `${process.pid}.node${threadId}`
    this.file = openSync(`${folder}/${name}`, 'wx+', 0o600)
    this.word = new BigInt64Array(1)
    this.bytes = new Uint8Array(this.word.buffer)
    writeSync(this.file, new Uint8Array(16), 0, 16, 0)
    this.woken = () => {}
    this.written = 0n
    this.socket = new net.Socket()
    this.socket.on('data', () => {
      this.written = 0n
      this.woken()
    })
    this.socket.on('error', () => {}) // the sandbox is gone: nobody wakes us any more
    realConnect.call(this.socket, { path: `${folder}/wake` }, () => this.socket.write(`${name}\n`))
    this.socket.unref()
  }

  // `which`: 0 to be woken over the connection, 1 for who looks at the time himself.
  write (which, instant) {
    this.word[0] = instant
    writeSync(this.file, this.bytes, 0, 8, which * 8)
  }

  wakeAt (instant) {
    if (instant === this.written) return
    this.written = instant
    this.write(0, instant)
  }
}

function ownChannel () {
  channel ??= new Channel()
  return channel
}

// Block the thread until the instant; `pause(ms)` really waits a little and says whether to stop.
function sleepUntil (instant, pause = (ms) => realWait(cell, 0, 0, ms) !== 'timed-out') {
  const own = ownChannel()
  let ms = 0.1
  own.write(1, instant)
  try {
    while (nowNs() < instant) {
      if (pause(ms)) return true
      ms = Math.min(ms * 1.5, LONGEST_PAUSE_MS)
    }
    return false
  } finally {
    own.write(1, 0n)
  }
}

module.exports = { open, epochMs, epochNs, monotonicNs, nowNs, ownChannel, sleepUntil, realWait }
