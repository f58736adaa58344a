/**
 * Loads @grpc/grpc-js when a service first needs it. It is CommonJS: a bundle has its exports under `default` alone, Node
 * has them by name as well.
 */
export type GrpcLibrary = typeof import('@grpc/grpc-js')

/** @grpc/grpc-js, loaded when it is first needed, however the bundler wrapped it. */
export const loadGrpc = async (): Promise<GrpcLibrary> => {
  const loaded = (await import('@grpc/grpc-js')) as GrpcLibrary & { default?: GrpcLibrary }
  return loaded.default ?? loaded
}
