import { Fragment, type ReactNode } from 'react';

/** A text with parts of the page in the place of `{1}`, `{2}`, …: their order is the language's business. */
export const fill = (text: string, ...parts: ReactNode[]): ReactNode[] =>
  text
    .split(/\{(\d+)\}/)
    // Every second piece is a number.
    .map((piece, position) => (
      <Fragment key={position}>{position % 2 === 1 ? parts[Number(piece) - 1] : piece}</Fragment>
    ));
