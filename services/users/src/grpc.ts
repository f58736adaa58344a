import { UserServiceService } from '@svyaz/contracts/proto/generated/users.ts'
import { userRequests } from '@svyaz/contracts/proto/requests.ts'
import { Failure, type GrpcHandler, serveGrpc } from '@svyaz/kit'
import type { UsersContext } from './context.ts'
import { userById } from './storage.ts'

/** The gRPC methods of this service, with who may call them. */
export const grpcEdge = (context: UsersContext): GrpcHandler =>
  serveGrpc(
    UserServiceService,
    { getUser: ['notifications'] },
    {
      async getUser({ id }) {
        const user = await userById(context.database, id)
        if (!user) throw new Failure('not_found', `there is no user ${id}`)
        return { id, email: user.email, name: user.name, status: user.status }
      },
    },
    userRequests,
  )
