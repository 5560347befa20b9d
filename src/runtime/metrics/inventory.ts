/** Every metric of the gateway itself; plugins have their own, by their doors. README.md lists them, and a test compares. */
import {
  counterMetric,
  gaugeMetric,
  histogramMetric,
  patientBuckets,
  sizeBuckets,
} from './define.ts'

const newest = { merging: 'max' } as const
const earliest = { merging: 'min' } as const
const patient = { buckets: patientBuckets }

/** Who comes, and what is said. */
export const receiverMetrics = {
  sessions: gaugeMetric('postern_sessions', 'SMTP and POP3 sessions now', ['listener']),
  sessionsTotal: counterMetric('postern_sessions_total', 'SMTP sessions begun', ['listener']),
  refused: counterMetric(
    'postern_connections_refused_total',
    'Connections turned away before a session, by the limit that they met',
    ['listener', 'reason'],
  ),
  replies: counterMetric('postern_replies_total', 'SMTP replies by the class of their code', [
    'listener',
    'class',
  ]),
  handshakes: counterMetric(
    'postern_tls_handshakes_total',
    'TLS handshakes of SMTP clients by version; failed where none was agreed on',
    ['listener', 'version'],
  ),
  certificateExpiry: gaugeMetric(
    'postern_certificate_expiry_timestamp_seconds',
    'When a certificate expires; one that options or rules choose has no listener',
    ['listener', 'name'],
    earliest,
  ),
} as const

/** What the chain makes of it. */
export const chainMetrics = {
  transactions: counterMetric(
    'postern_transactions_total',
    'Transactions, and connections refused by the chain, by how they ended',
    ['listener', 'outcome'],
  ),
  logins: counterMetric('postern_logins_total', 'Logins tried', ['mechanism', 'outcome']),
  verdicts: counterMetric(
    'postern_entry_verdicts_total',
    'Answers of an entry of the chain; their sum is how often it was asked',
    ['entry', 'stage', 'mode', 'verdict'],
    { maxSeries: 5_000 },
  ),
  faults: counterMetric(
    'postern_entry_faults_total',
    'Questions that an entry failed to answer, by what went wrong',
    ['entry', 'stage', 'fault'],
    { maxSeries: 5_000 },
  ),
  latency: histogramMetric('postern_entry_seconds', 'Time that an entry took to answer', [
    'entry',
    'stage',
  ]),
  lateAnswers: counterMetric(
    'postern_entry_late_answers_total',
    'Answers that came after the deadline and were ignored, since the last reload',
    ['entry'],
  ),
  breakers: gaugeMetric(
    'postern_breaker_open',
    '1 while an entry is not asked because what it depends on does not answer',
    ['entry'],
    newest,
  ),
  tracesDropped: counterMetric(
    'postern_traces_dropped_total',
    'Explanations of accepted mail that were not kept because the store was behind',
  ),
} as const

/** What was promised and is not done. */
export const queueMetrics = {
  messages: gaugeMetric(
    'postern_queue_messages',
    'Queued messages: fresh ones, those that were deferred, those on hold',
    ['state'],
  ),
  oldest: gaugeMetric(
    'postern_queue_oldest_seconds',
    'Age of the oldest message in this state; 0 where there is none',
    ['state'],
    newest,
  ),
  running: gaugeMetric('postern_deliveries_running', 'Deliveries under way', ['channel']),
  waiting: gaugeMetric('postern_deliveries_waiting', 'Deliveries that wait for their turn', [
    'channel',
  ]),
  hopsDown: gaugeMetric(
    'postern_next_hops_down',
    'Next hops that did not answer and are left alone for a while',
    [],
    newest,
  ),
  paused: gaugeMetric('postern_deliveries_paused', '1 while delivery is paused', [], newest),
  deliveries: counterMetric(
    'postern_deliveries_total',
    'Recipients tried, by what carried the message and what came of it',
    ['transport', 'outcome'],
  ),
  latency: histogramMetric(
    'postern_delivery_seconds',
    'Time that one try of a recipient took',
    ['transport'],
    patient,
  ),
  tlsSessions: counterMetric(
    'postern_outgoing_tls_total',
    'Sessions with mail exchangers, by what their domains say of TLS (sts, tlsa, no-policy-found) and what came of it',
    ['policy', 'result'],
  ),
  bounces: counterMetric(
    'postern_bounces_total',
    'Delivery status notifications: sent, or on hold for an operator',
    ['disposition'],
  ),
} as const

/** Where it is kept. */
export const spoolMetrics = {
  syncs: histogramMetric(
    'postern_spool_sync_seconds',
    'Time of one write and fdatasync of the log',
  ),
  batch: histogramMetric(
    'postern_spool_batch_records',
    'Records that went to the disk with one sync',
    [],
    { buckets: sizeBuckets },
  ),
  written: counterMetric('postern_spool_written_bytes_total', 'Bytes written to the log'),
  bytes: gaugeMetric(
    'postern_spool_log_bytes',
    'Bytes of the segments of the log: all of them, and those still needed',
    ['kind'],
  ),
  segments: gaugeMetric('postern_spool_segments', 'Segments of the log'),
  damaged: gaugeMetric(
    'postern_spool_damaged_records',
    'Records and messages that were set aside: postern queue damaged',
  ),
  diskFree: gaugeMetric('postern_disk_free_bytes', 'Free space where the spool lies', [], earliest),
  diskSize: gaugeMetric('postern_disk_size_bytes', 'All space where the spool lies', [], newest),
  inodesFree: gaugeMetric(
    'postern_disk_free_inodes',
    'Free inodes where the spool lies',
    [],
    earliest,
  ),
  inodes: gaugeMetric('postern_disk_inodes', 'All inodes where the spool lies', [], newest),
  storeWaiting: gaugeMetric('postern_store_waiting', 'Operations that wait for the store'),
  storeDropped: counterMetric(
    'postern_store_dropped_total',
    'Writes to the store that were dropped because too many waited, or that failed',
  ),
  storeFailing: gaugeMetric(
    'postern_store_failing',
    'Whether what the store is asked fails: 1 or 0',
    [],
    newest,
  ),
  storeDamaged: gaugeMetric(
    'postern_store_damaged_files',
    'Damaged files of the store and of the traces that were set aside',
    [],
    newest,
  ),
} as const

/** What it needs. */
export const worldMetrics = {
  jobsBusy: gaugeMetric('postern_jobs_busy', 'Threads that compute'),
  jobsWaiting: gaugeMetric('postern_jobs_waiting', 'Jobs that wait for a thread'),
  jobThreads: counterMetric(
    'postern_job_threads_started_total',
    'Threads started; more than a few: jobs miss their deadlines',
  ),
  dnsLookups: counterMetric('postern_dns_lookups_total', 'Names looked up', ['type']),
  dnsQuestions: counterMetric(
    'postern_dns_questions_total',
    'Lookups that had to ask a name server; all others were answered from memory',
    ['type', 'answer'],
  ),
  dnsLatency: histogramMetric('postern_dns_seconds', 'Time that name servers took', ['type']),
  logEvents: counterMetric(
    'postern_log_events_total',
    'Warnings and errors of the log',
    ['level', 'event'],
    { maxSeries: 300 },
  ),
  logFailing: gaugeMetric(
    'postern_log_failing',
    'Whether a place of the log cannot be written: 1 or 0',
    [],
    newest,
  ),
  logLost: counterMetric(
    'postern_log_lost_lines_total',
    'Lines of the log that were lost because it could not be written for too long',
  ),
  spansDropped: counterMetric(
    'postern_telemetry_dropped_total',
    'Sampled transactions and deliveries whose spans were not exported',
  ),
} as const

/** The processes themselves. */
export const processMetrics = {
  build: gaugeMetric('postern_build_info', 'Always 1', ['version', 'node'], newest),
  workers: gaugeMetric('postern_workers', 'Workers that answer'),
  workersWanted: gaugeMetric('postern_workers_wanted', 'Workers that there should be', [], newest),
  started: gaugeMetric(
    'postern_worker_start_time_seconds',
    'When the worker began',
    ['worker'],
    newest,
  ),
  loopDelay: gaugeMetric(
    'postern_event_loop_delay_seconds',
    'How long the event loop was held up in the last minute',
    ['worker', 'at'],
    newest,
  ),
  memory: gaugeMetric('postern_memory_bytes', 'Memory', ['worker', 'kind']),
  cpu: counterMetric('postern_cpu_seconds_total', 'Processor time', ['worker', 'mode']),
  descriptors: gaugeMetric('postern_descriptors', 'File descriptors in use', ['worker']),
  configLoaded: gaugeMetric(
    'postern_config_loaded',
    '0 while the configuration on the disk has mistakes and the one before it is in force',
    [],
    earliest,
  ),
  alerts: gaugeMetric('postern_alerts', 'Alerts that are active', [], newest),
} as const

/** The server of the administration. */
export const adminMetrics = {
  requests: counterMetric(
    'postern_admin_requests_total',
    'HTTP requests to the administration, by the class of their answer',
    ['class'],
  ),
} as const

export const inventory = [
  ...Object.values(receiverMetrics),
  ...Object.values(chainMetrics),
  ...Object.values(queueMetrics),
  ...Object.values(spoolMetrics),
  ...Object.values(worldMetrics),
  ...Object.values(processMetrics),
  ...Object.values(adminMetrics),
] as const
