'use strict'
// Runs at the start of every Node.js process of the sandbox (see sandbox/clock/environment.py).
// Node.js 18 to 24, nothing but its own modules.

const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

const folder = process.env.SANDBOX_CLOCK
if (folder && fs.existsSync(`${folder}/now`)) {
  require('./dates.cjs').install(require('./page.cjs').open(folder))
  require('./timers.cjs').install()
  require('./sockets.cjs').install()
}
if (process.env.SANDBOX_NAMES) {
  const settings = JSON.parse(process.env.SANDBOX_NAMES)
  require('./names.cjs').install(settings)
  if (settings.own) require('./addresses.cjs').install(settings.own)
}
syncBuiltinESMExports()
