// The first thing to run, in words that old versions of Node understand: everything else is loaded behind it.
if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(
    `error[NODE_TOO_OLD]: pyline needs Node.js 20 or later, and this is ${process.version} (${process.execPath})
fix: install a later one from https://nodejs.org or with your package manager`,
  )
  process.exitCode = 2
} else {
  import("./main.ts").then(({ main }) => main(process.argv.slice(2)))
}
