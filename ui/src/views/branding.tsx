import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Empty, Failure, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import type { Branding, BrandingSettings } from '../services/api';
import { contrast, resetBranding, saveBranding, useBranding } from '../services/branding';
import { useSession } from '../services/session';
import './branding.css';
import { branding as say } from '../strings/branding';
import { common } from '../strings/common';

/** Name, logo and colors of the company whose UI this is. */
export function BrandingView() {
  const session = useSession();
  const branding = useBranding();
  return (
    <>
      <PageHead title={say.branding} />
      {session.data?.role === 'admin' ? (
        <Show query={branding}>{(own) => <Settings key={JSON.stringify(own)} own={own} />}</Show>
      ) : (
        <Empty title={say.onlyAnAdminChangesThis}>
          <p>{say.askOneOrWriteIt}</p>
        </Empty>
      )}
    </>
  );
}

/** The surfaces that texts of the accent stand on. */
const SURFACES = { light: '#ffffff', dark: '#171b21' } as const;
const LEAST_CONTRAST = 4.5;
const MOST_LOGO_BYTES = 512 * 1024;

async function base64(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

function Settings({ own }: { own: Branding }) {
  const client = useQueryClient();
  const [name, setName] = useState(own.name ?? '');
  const [footer, setFooter] = useState(own.footer ?? '');
  const [light, setLight] = useState(own.accent?.light ?? '');
  const [dark, setDark] = useState(own.accent?.dark ?? '');
  const [logo, setLogo] = useState<{ url: string; content: Blob } | 'kept' | 'none'>(own.logo ? 'kept' : 'none');
  const [problem, setProblem] = useState<string>();
  const shown = () => client.invalidateQueries({ queryKey: ['branding'] });
  const save = useMutation({
    mutationFn: async () => {
      const content =
        logo === 'none' ? undefined : logo === 'kept' ? await (await fetch(own.logo ?? '')).blob() : logo.content;
      const accent = { ...(light ? { light } : {}), ...(dark ? { dark } : {}) };
      const settings: BrandingSettings = {
        name,
        footer,
        ...(light || dark ? { accent } : {}),
        ...(content ? { logo: await base64(content) } : {}),
      };
      return saveBranding(settings);
    },
    onSuccess: shown,
  });
  const reset = useMutation({ mutationFn: resetBranding, onSuccess: shown });
  const choose = (file: File | undefined) => {
    setProblem(undefined);
    if (!file) return;
    if (file.size > MOST_LOGO_BYTES) setProblem(say.theLogoIsLargerThan);
    else setLogo({ url: URL.createObjectURL(file), content: file });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const failed = save.error ?? reset.error ?? (problem ? new Error(problem) : undefined);
  const picture = logo === 'kept' ? own.logo : logo === 'none' ? null : logo.url;
  return (
    <form className="card stack branding" onSubmit={submit}>
      <p className="soft">{own.origin === 'settings' ? say.setHereInThePlace : say.asCanarytraceYamlSaysWhat}</p>
      <label className="field">
        <span>{common.name}</span>
        <input
          value={name}
          maxLength={60}
          placeholder="canarytrace"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <div className="field">
        <span id="logo-label">{say.logoSvgOrPng}</span>
        <div className="row">
          {picture && <img src={picture} alt={say.theLogo} width="40" height="40" />}
          <input
            type="file"
            accept="image/svg+xml,image/png"
            aria-labelledby="logo-label"
            onChange={(event) => choose(event.target.files?.[0])}
          />
          {picture && (
            <button type="button" className="button" onClick={() => setLogo('none')}>
              {say.takeItAway}
            </button>
          )}
        </div>
      </div>
      <Color label={say.accentOnLight} value={light} theme="light" onChange={setLight} />
      <Color label={say.accentOnDark} value={dark} theme="dark" onChange={setDark} />
      <label className="field">
        <span>{say.footer}</span>
        <input value={footer} maxLength={300} onChange={(event) => setFooter(event.target.value)} />
      </label>
      {failed && <Failure error={failed} />}
      <div className="row">
        <button type="submit" className="button primary" disabled={save.isPending}>
          {common.save}
        </button>
        {own.origin === 'settings' && (
          <button type="button" className="button" onClick={() => reset.mutate()}>
            {say.backToCanarytraceYaml}
          </button>
        )}
      </div>
    </form>
  );
}

/** A color with how it looks on its theme, and whether it can be read there. */
function Color({
  label,
  value,
  theme,
  onChange,
}: {
  label: string;
  value: string;
  theme: keyof typeof SURFACES;
  onChange: (color: string) => void;
}) {
  const found = value ? contrast(value, SURFACES[theme]) : undefined;
  return (
    <div className="field">
      <span id={`accent-${theme}`}>{label}</span>
      <div className="row">
        <input
          type="color"
          aria-label={say.chosen(label)}
          value={/^#[0-9a-f]{6}$/i.test(value) ? value : '#1f5fae'}
          onChange={(event) => onChange(event.target.value)}
        />
        <input
          className="input mono"
          aria-labelledby={`accent-${theme}`}
          value={value}
          placeholder="#1f5fae"
          size={9}
          onChange={(event) => onChange(event.target.value.trim())}
        />
        {value && (
          <span className="sample" style={{ color: value, background: SURFACES[theme] }}>
            {say.aLink}
          </span>
        )}
        {value && (
          <span className={found !== undefined && found < LEAST_CONTRAST ? 'small worse' : 'small soft'}>
            {found === undefined ? say.notAColorWriteIt : say.contrastIsNeeded(found.toFixed(1), LEAST_CONTRAST)}
          </span>
        )}
      </div>
    </div>
  );
}
