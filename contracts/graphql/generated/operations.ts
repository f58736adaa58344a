// Made by tools/contracts.ts. Do not edit.

/** The documents of `operations`, by their file's name. */
export const operations = {
  "my-orders": "# The caller's orders with what each contains.\nquery MyOrders($first: Int! = 20, $after: ID) {\n  me {\n    id\n    name\n  }\n  orders(first: $first, after: $after) {\n    nodes {\n      id\n      status\n      createdAt\n      items {\n        quantity\n        product {\n          id\n          name\n        }\n      }\n      payment {\n        status\n      }\n      parcel {\n        status\n      }\n    }\n    endCursor\n  }\n}\n",
  "order-at-a-glance": "# One order out of five services: orders, users, inventory, payments, delivery.\nquery OrderAtAGlance($id: ID!) {\n  order(id: $id) {\n    id\n    status\n    total {\n      amountMinor\n      currency\n    }\n    user {\n      id\n      name\n      email\n    }\n    items {\n      quantity\n      unitPrice {\n        amountMinor\n      }\n      product {\n        id\n        name\n        available\n      }\n    }\n    payment {\n      status\n      method\n      amount {\n        amountMinor\n      }\n    }\n    parcel {\n      status\n      trackingNumber\n      position {\n        progress\n        place\n      }\n    }\n  }\n}\n",
  "order-progress": "# The order now and after each change, until it is final.\nsubscription OrderProgress($id: ID!) {\n  orderChanged(id: $id) {\n    id\n    status\n    version\n    payment {\n      status\n    }\n    parcel {\n      status\n    }\n  }\n}\n"
}
