/** Documents of runs as the pages read them: what `canarytrace_model::documents` writes, and what an event of DevTools adds. */

import type { ConsoleDocument as Console } from './api';

/** The fields that its events have beside the common ones. */
export type ConsoleDocument = Console & {
  level?: string;
  type?: string;
  text?: string;
  source?: string;
  url?: string;
  line?: number;
  lineNumber?: number;
  exception?: { description?: string };
};
