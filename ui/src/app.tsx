import { Layout } from './components/layout';
import { useLocation } from './services/location';
import { DiscoverView } from './views/discover';
import { MonitorsView } from './views/monitors';
import { RunView } from './views/run';
import { RunsView } from './views/runs';

/** The path chooses the view; everything else a view shows is in its query string. */
export function App() {
  const { path } = useLocation();
  const [first, second] = path.split('/').filter(Boolean);
  return <Layout current={first ?? 'monitors'}>{view(first, second)}</Layout>;
}

function view(first: string | undefined, second: string | undefined) {
  if (first === 'runs' && second) return <RunView uuid={second} key={second} />;
  if (first === 'runs') return <RunsView />;
  if (first === 'discover') return <DiscoverView />;
  return <MonitorsView />;
}
