'use strict'
// Timers ordered by their instant, then by the order in which they were started.

class Heap {
  #items = []

  get first () {
    return this.#items[0]
  }

  add (timer) {
    this.#items.push(timer)
    this.#up(this.#items.length - 1)
  }

  remove (timer) {
    const index = timer.place
    if (this.#items[index] !== timer) return
    const last = this.#items.pop()
    if (last !== timer) {
      this.#put(last, index)
      this.#up(index)
      this.#down(last.place)
    }
    timer.place = -1
  }

  #put (timer, index) {
    this.#items[index] = timer
    timer.place = index
  }

  #up (index) {
    const timer = this.#items[index]
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(timer, this.#items[parent])) break
      this.#put(this.#items[parent], index)
      index = parent
    }
    this.#put(timer, index)
  }

  #down (index) {
    const items = this.#items
    const timer = items[index]
    for (;;) {
      let child = 2 * index + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1], items[child])) child += 1
      if (!before(items[child], timer)) break
      this.#put(items[child], index)
      index = child
    }
    this.#put(timer, index)
  }
}

function before (one, other) {
  return one.instant < other.instant || (one.instant === other.instant && one.order < other.order)
}

module.exports = { Heap }
