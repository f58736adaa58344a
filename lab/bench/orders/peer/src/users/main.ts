/** Users: registration, login, and who a user is for the other services. */
import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import {
  Body,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  Module,
  NotFoundException,
  Param,
  ParseUUIDPipe,
  Post,
  UnauthorizedException,
} from '@nestjs/common'
import { JwtService } from '@nestjs/jwt'
import { InjectRepository } from '@nestjs/typeorm'
import { IsEmail, IsString, MinLength } from 'class-validator'
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm'
import { database, start, tokens } from '../platform.ts'

@Entity('users')
class User {
  @PrimaryColumn('uuid')
  id!: string

  @Column({ unique: true })
  email!: string

  @Column()
  name!: string

  @Column()
  passwordHash!: string

  @Column({ default: 'active' })
  status!: string
}

class Credentials {
  @IsEmail()
  email!: string

  @IsString()
  @MinLength(8)
  password!: string
}

class Registration extends Credentials {
  @IsString()
  name!: string
}

const derive = promisify(scrypt) as (password: string, salt: string, length: number) => Promise<Buffer>
const hashBytes = 32

@Controller()
class UsersController {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly jwt: JwtService,
  ) {}

  @Post('users')
  async register(@Body() { email, password, name }: Registration) {
    if (await this.users.existsBy({ email })) throw new ConflictException('this address is taken')
    const salt = randomBytes(16).toString('hex')
    const hash = (await derive(password, salt, hashBytes)).toString('hex')
    const id = randomUUID()
    await this.users.insert({ id, email, name, passwordHash: `${salt}:${hash}`, status: 'active' })
    return { id, email, name }
  }

  @Post('auth/login')
  @HttpCode(200)
  async login(@Body() { email, password }: Credentials) {
    const user = await this.users.findOneBy({ email })
    const [salt = '', hash = ''] = user?.passwordHash.split(':') ?? []
    const given = await derive(password, salt, hashBytes)
    if (!user || !timingSafeEqual(given, Buffer.from(hash, 'hex'))) throw new UnauthorizedException()
    return { userId: user.id, accessToken: await this.jwt.signAsync({ sub: user.id }) }
  }

  /** For the other services. */
  @Get('internal/users/:id')
  async get(@Param('id', ParseUUIDPipe) id: string) {
    const user = await this.users.findOneBy({ id })
    if (!user) throw new NotFoundException()
    return { id, email: user.email, name: user.name, status: user.status }
  }
}

@Module({ imports: [...database([User]), tokens()], controllers: [UsersController] })
class UsersModule {}

void start(UsersModule)
