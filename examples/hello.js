// Greets whoever the parameter `name` names, and logs one line.
function main({ name = 'stranger' }) {
  console.log(`greeting ${name}`)
  return { greeting: `Hello, ${name}, from Node.js ${process.versions.node}!` }
}
