export type Outcome = 'passed' | 'failed' | 'broken';
export interface Verdict {
  outcome: Outcome;
  cause?: string;
  detail?: string;
  facts?: Record<string, unknown>;
}
export interface RunDocument {
  uuid: string;
  monitor: string;
  spec: string;
  labels: string[];
  mode: string;
  timestamp: string;
  startedAt: string;
  endedAt: string;
  durationMs: number;
  passed: boolean;
  exitCode: number;
  verdict: Verdict;
  vitals?: { lcp?: number; cls?: number; fcp?: number; ttfb?: number; load?: number; url?: string };
  stepsTotal: number;
  stepsFailed: number;
  requests: number;
  transferBytes: number;
  requestsFailed: number;
  consoleErrors: number;
  screenshot?: string;
  attachments?: string[];
  browserVersion?: string;
  version: string;
  overhead?: { class?: string; runnerCpuS?: number; browserCpuS?: number; settledMs?: number; droppedEvents?: number };
  revision?: string;
}
export interface ReportDocument {
  event: 'testStart' | 'suiteStart' | 'testStepStart' | 'testStepEnd' | 'testEnd';
  sequence: number;
  timestamp: string;
  uuid: string;
  monitor?: string;
  spec?: string;
  uuidAction?: string;
  title?: string;
  fullTitle?: string;
  parent?: string;
  testStepDuration?: number;
  passed?: boolean;
  errMessage?: string;
  attachments?: string;
  verdict?: Verdict;
}
export interface RequestDocument {
  requestId: string;
  sequence: number;
  url: string;
  uuidAction: string;
  request: {
    method: string;
    type?: string;
    initiator?: { type?: string; url?: string; lineNumber?: number };
    postData?: string;
    isSameSite?: boolean;
    wallTime: number;
    timestamp: number;
    headers: Record<string, string>;
    initialPriority?: string;
  };
  response?: {
    status: number;
    statusText: string;
    mimeType: string;
    protocol?: string;
    headers: Record<string, string>;
    totalEncodedDataLength?: number;
    remoteIPAddress?: string;
    timestamp?: number;
  };
  har?: {
    blocked: number;
    dns: number;
    connect: number;
    ssl: number;
    send: number;
    wait: number;
    receive: number;
    time: number;
  };
  failure?: string;
}
export interface ConsoleDocument {
  eventType: string;
  level?: string;
  type?: string;
  text?: string;
  source?: string;
  url?: string;
  line?: number;
  lineNumber?: number;
  timestamp: string;
  sequence: number;
  exception?: { description?: string };
}
export interface Monitor {
  id: string;
  kind: string;
  target: string;
  schedule: string | null;
  state: 'waiting' | 'queued' | 'running' | 'manual' | 'paused';
  nextRun: string | null;
  running: string | null;
}
