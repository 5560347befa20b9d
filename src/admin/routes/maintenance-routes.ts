import type { MaintenanceOperations } from '../operations.ts'
import { route, type Route } from '../route.ts'
import {
  Alerts,
  CompiledFiles,
  CompileRequest,
  ControlFiles,
  Examinations,
  Reception,
  Reloaded,
  Restarted,
  RestartRequest,
  ShadowQuery,
  ShadowReport,
  TlsReportQuery,
  TlsReports,
} from '../schemas/maintenance.ts'

export function maintenanceRoutes(maintenance: MaintenanceOperations): readonly Route[] {
  return [...runningRoutes(maintenance), ...reportRoutes(maintenance), ...fileRoutes(maintenance)]
}

function runningRoutes(maintenance: MaintenanceOperations): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        url: '/reload',
        permission: 'system:reload',
        summary: 'Read the configuration anew; with mistakes in it everything stays as it was',
        answer: Reloaded,
        audit: 'system.reload',
        rate: 'strict',
      },
      () => maintenance.reload(),
    ),
    route(
      {
        method: 'POST',
        url: '/restart',
        permission: 'system:reload',
        summary: 'New workers, with plugins as they are now; nobody is refused',
        body: RestartRequest,
        example: { graceMs: 10_000 },
        answer: Restarted,
        audit: 'system.restart',
        rate: 'strict',
      },
      ({ body }) => maintenance.restart(body),
    ),
    route(
      {
        method: 'GET',
        url: '/system/reception',
        permission: 'system:read',
        summary: 'Whether mail is taken',
        answer: Reception,
      },
      () => maintenance.reception(),
    ),
    route(
      {
        method: 'PUT',
        url: '/system/reception',
        permission: 'system:reload',
        summary: 'Take mail, or tell clients to come back later; forgotten by a restart',
        body: Reception,
        example: { admits: true },
        answer: Reception,
        audit: 'system.reception',
      },
      ({ body }) => maintenance.admit(body.admits),
    ),
  ]
}

function reportRoutes(maintenance: MaintenanceOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/system/doctor',
        permission: 'system:read',
        summary: 'Whether all is well with the installation, and what to type where it is not',
        answer: Examinations,
        rate: 'strict',
      },
      () => maintenance.doctor(),
    ),
    route(
      {
        method: 'GET',
        url: '/alerts',
        permission: 'system:read',
        summary: 'What is wrong with the running gateway',
        answer: Alerts,
      },
      () => maintenance.alerts('list'),
    ),
    route(
      {
        method: 'POST',
        url: '/alerts/test',
        permission: 'system:reload',
        summary: 'Send a test to everybody who would be told of an alert',
        answer: Alerts,
        audit: 'alerts.test',
        rate: 'strict',
      },
      () => maintenance.alerts('test'),
    ),
    route(
      {
        method: 'GET',
        url: '/tls-reports',
        permission: 'queue:read',
        summary: 'TLS with the mail exchangers of a day, by domain (RFC 8460)',
        query: TlsReportQuery,
        answer: TlsReports,
        rate: 'strict',
      },
      ({ query }) => maintenance.tlsReports(query),
    ),
    route(
      {
        method: 'GET',
        url: '/shadow-report',
        permission: 'chain:read',
        summary: 'What entries in shadow mode would have done, by reason',
        query: ShadowQuery,
        answer: ShadowReport,
        rate: 'strict',
      },
      ({ query }) => maintenance.shadowReport(query),
    ),
  ]
}

function fileRoutes(maintenance: MaintenanceOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/configuration/control',
        permission: 'configuration:read',
        summary: 'Every control file: its value or default, and who reads it',
        answer: ControlFiles,
        rate: 'strict',
      },
      () => maintenance.controlFiles(),
    ),
    route(
      {
        method: 'POST',
        url: '/configuration/compile',
        permission: 'configuration:write',
        summary: 'Rebuild tcp.smtp.cdb, morercpthosts.cdb and users/cdb from their texts',
        body: CompileRequest,
        example: { dryRun: true },
        answer: CompiledFiles,
        audit: 'configuration.compile',
        rate: 'strict',
      },
      ({ body }) => maintenance.compile(body.dryRun === true),
    ),
  ]
}
