/** A port of the gateway that answers. */
export interface RunningGateway extends AsyncDisposable {
  readonly port: number
  inFlight(): number
  drain(deadlineMs: number): Promise<void>
}
