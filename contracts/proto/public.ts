/** The gRPC methods that are open to users through the gateway (decision 0078); all others are between services. */
export const publicGrpcMethods = [
  'svyaz.orders.v1.OrderService/GetOrder',
  'svyaz.orders.v1.OrderService/FollowOrder',
  'svyaz.inventory.v1.InventoryService/CheckAvailability',
] as const
