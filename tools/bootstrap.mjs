/**
 * The way into this project from whatever Node.js the machine has: brings Node 24 and the packages if they
 * are missing, then hands over to the file named first, run by Node 24 with the remaining arguments.
 *
 *   node tools/bootstrap.mjs cli/src/main.ts up
 *
 * Plain JavaScript without dependencies. This first file must even parse on a Node too old for the rest.
 */
var major = Number(process.versions.node.split('.')[0])

if (major < 18) {
  console.error(
    'svyaz: this is Node.js ' +
      process.versions.node +
      ', and 18 or newer is needed. Update it, or use Docker: ' +
      'docker run --rm -it --init --network host -v "$PWD":/svyaz -w /svyaz node:24 npm start',
  )
  process.exitCode = 1
} else {
  import('./bootstrap/main.mjs').then((bootstrap) => bootstrap.enter(process.argv[2], process.argv.slice(3)))
}
