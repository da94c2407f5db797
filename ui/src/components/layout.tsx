import type { MouseEvent, ReactNode } from 'react';
import canary from '../canary.svg';
import { navigate } from '../services/location';

const PAGES = [
  ['monitors', '/', 'Monitors'],
  ['runs', '/runs', 'Runs'],
  ['discover', '/discover', 'Discover'],
] as const;

/** A link that stays in the application, unless it is opened elsewhere. */
export function Link({
  to,
  children,
  className,
  label,
  current,
}: {
  to: string;
  children: ReactNode;
  className?: string;
  label?: string;
  current?: boolean;
}) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigate(to);
    window.scrollTo(0, 0);
  };
  return (
    <a
      href={to}
      onClick={follow}
      className={className}
      aria-label={label}
      aria-current={current ? 'page' : undefined}
      title={label}
    >
      {children}
    </a>
  );
}

export function Layout({ current, children }: { current: string; children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link to="/" className="brand">
          <img src={canary} alt="" width="26" height="26" /> canarytrace
        </Link>
        <nav aria-label="Pages">
          {PAGES.map(([id, to, title]) => (
            <Link key={id} to={to} current={current === id}>
              {title}
            </Link>
          ))}
        </nav>
      </header>
      <main id="main">{children}</main>
    </>
  );
}
