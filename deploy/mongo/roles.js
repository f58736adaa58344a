// Run by mongosh (compose.yaml, mongo-roles): makes the replica set and the role of the orders service. May run again.
const { readFileSync } = require('node:fs')

const secret = (name) => readFileSync(`/run/svyaz/${name}`, 'utf8').trim()
const admin = connect('mongodb://mongo:27017/admin')
admin.auth('root', secret('password'))

try {
  admin.adminCommand({ replSetInitiate: { _id: 'svyaz', members: [{ _id: 0, host: 'mongo:27017' }] } })
} catch (error) {
  if (error.codeName !== 'AlreadyInitialized') throw error
}
while (!admin.hello().isWritablePrimary) sleep(200)

const orders = admin.getSiblingDB('orders')
const role = { pwd: secret('orders'), roles: [{ role: 'readWrite', db: 'orders' }] }
if (orders.getUser('orders') === null) orders.createUser({ user: 'orders', ...role })
else orders.updateUser('orders', role)
