import { useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { PageHead } from '../components/layout';
import './incidents.css';
import { report as say } from '../strings/report';

const yesterday = () => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

/** The daily report of any day: the same page that is sent by mail. */
export function Report() {
  const { day = yesterday(), period = 'day' } = useParameters({ from: '/report' });
  const navigate = useNavigate({ from: '/report' });
  const go = (next: { day?: string; period?: string }) => void navigate({ search: (old) => ({ ...old, ...next }) });
  return (
    <>
      <PageHead title={say.dailyReport}>
        <select
          className="input"
          style={{ width: 'auto' }}
          aria-label={say.period}
          value={period}
          onChange={(event) => go({ period: event.target.value })}
        >
          <option value="day">{say.day}</option>
          <option value="week">{say.week}</option>
          <option value="month">{say.month}</option>
        </select>
        <input
          className="input"
          style={{ width: 'auto' }}
          type="date"
          aria-label={say.day}
          value={day}
          max={new Date().toISOString().slice(0, 10)}
          onChange={(event) => event.target.value && go({ day: event.target.value })}
        />
      </PageHead>
      <iframe
        className="report-frame"
        title={say.reportOf(day)}
        sandbox=""
        src={`/api/v1/report?${new URLSearchParams({ day, period })}`}
      />
    </>
  );
}
