/** What administrators are told beyond the service levels: states that need somebody although no promise is broken yet. */
export interface Alert {
  readonly name: string
  readonly expression: string
  /** The part of it that must always give an answer, for the test that runs every query; default: `expression` itself. */
  readonly looksAt: string
  readonly patience: string
  readonly severity: 'critical' | 'warning'
  readonly summary: string
  readonly runbook: string
}

export const alerts: readonly Alert[] = [
  {
    name: 'InstanceDown',
    expression: 'up{job="svyaz"} == 0',
    looksAt: 'up{job="svyaz"}',
    patience: '1m',
    severity: 'critical',
    summary: '{{ $labels.instance }} does not answer',
    runbook: 'npx svyaz ps; npx svyaz logs {{ $labels.service }}',
  },
  {
    name: 'ServiceGone',
    expression: 'max by (service) (max_over_time(up{job="svyaz"}[1h])) unless max by (service) (up{job="svyaz"})',
    looksAt: 'max by (service) (max_over_time(up{job="svyaz"}[1h]))',
    patience: '1m',
    severity: 'critical',
    summary: 'no instance of {{ $labels.service }} is registered',
    runbook: 'Was it stopped, or did discovery lose it? npx svyaz ps',
  },
  {
    name: 'BrokerAway',
    expression: 'max by (service) (svyaz_outbox_oldest_age_seconds) > 30',
    looksAt: 'max by (service) (svyaz_outbox_oldest_age_seconds)',
    patience: '30s',
    severity: 'critical',
    summary:
      'events of {{ $labels.service }} have waited {{ $value }} s to be sent: its publisher or the broker is away',
    runbook:
      'Services go on and keep their events. Bring the broker back; with Kafka, min.insync.replicas nodes must be in sync.',
  },
  {
    name: 'BrokerDiskFull',
    expression: 'max by (instance) (svyaz_broker_log_storage_low) > 0',
    looksAt: 'max(svyaz_broker_log_storage_low) or vector(0)',
    patience: '0m',
    severity: 'critical',
    summary: 'the disk of the broker {{ $labels.instance }} is full: writes are refused now or soon',
    runbook: 'Free space; writing goes on by itself. Reads go on; events wait in the outboxes meanwhile.',
  },
  {
    name: 'BrokerDataDamaged',
    expression: 'max by (topic, partition, file, position) (svyaz_broker_log_damaged_places) > 0',
    looksAt: 'max(svyaz_broker_log_damaged_places) or vector(0)',
    patience: '0m',
    severity: 'critical',
    summary:
      'records of {{ $labels.topic }}/{{ $labels.partition }} are damaged: {{ $labels.file }}, byte {{ $labels.position }}',
    runbook: 'npx svyaz doctor; restore a backup, or pass over them with --accept-loss (docs/failures.md)',
  },
  {
    name: 'DeadLetters',
    expression: 'sum by (group, topic) (increase(svyaz_messages_dead_total[15m])) > 0',
    looksAt: 'sum(svyaz_messages_dead_total) or vector(0)',
    patience: '0m',
    severity: 'warning',
    summary: '{{ $labels.group }} gave up messages of {{ $labels.topic }}',
    runbook: 'npx svyaz dlq {{ $labels.topic }}: read them, mend the cause, replay',
  },
  {
    name: 'BreakerOpen',
    expression: 'max by (instance, dependency) (breaker_state) == 2',
    looksAt: 'max by (instance, dependency) (breaker_state)',
    patience: '1m',
    severity: 'warning',
    summary: '{{ $labels.instance }} no longer calls {{ $labels.dependency }}',
    runbook: 'The dependency is away or failing; the breaker closes by itself when it answers.',
  },
  {
    name: 'DiscoveryDoubted',
    expression: 'max by (instance, service) (discovery_doubted) > 0',
    looksAt: 'count(discovery_instances)',
    patience: '1m',
    severity: 'critical',
    summary: '{{ $labels.instance }} works with old addresses of {{ $labels.service }}: they hold for five minutes',
    runbook: 'Is Consul there and does it know the service? consul members; consul catalog services',
  },
  {
    name: 'UntrustedInstance',
    expression: 'max by (instance, service) (discovery_untrusted) > 0',
    looksAt: 'count(discovery_untrusted)',
    patience: '0m',
    severity: 'critical',
    summary: 'somebody registered as {{ $labels.service }} without its key: {{ $labels.instance }} does not call them',
    runbook:
      'npx svyaz logs: the line "did not sign" names address and reason. unknown-key after a rotation: was the new key published?',
  },
  {
    name: 'ClocksApart',
    expression: 'max by (instance, peer) (abs(svyaz_clock_apart_seconds)) > 2',
    looksAt: 'max by (instance, peer) (abs(svyaz_clock_apart_seconds))',
    patience: '30s',
    severity: 'critical',
    summary:
      'the clock of {{ $labels.instance }} is {{ $value }} s off that of {{ $labels.peer }}: beyond 5 s calls are refused',
    runbook:
      'One instance: its machine. All of them: the machine of discovery. Is time synchronised there (timedatectl)?',
  },
  {
    name: 'MailsWait',
    expression: 'sum(increase(svyaz_mails_total{outcome!="sent"}[10m])) > 10',
    looksAt: 'sum(svyaz_mails_total)',
    patience: '5m',
    severity: 'warning',
    summary: 'the mail server refuses or does not answer',
    runbook: 'Mails wait in the database of notifications and go out when it is back.',
  },
  {
    name: 'SpansDropped',
    expression: 'increase(svyaz_spans_dropped[10m]) > 0',
    looksAt: 'svyaz_spans_dropped',
    patience: '5m',
    severity: 'warning',
    summary: '{{ $labels.instance }} gives up traces: the collector is away',
    runbook: 'Nothing but traces is lost. Bring the collector back.',
  },
]
