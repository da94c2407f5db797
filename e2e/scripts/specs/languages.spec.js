describe('languages', () => {
  it('numbers and dates of languages', () => {
    console.log(
      (1234567.891).toLocaleString('en-US'),
      (1234567.891).toLocaleString('de-DE'),
      new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }).format(1234.5),
      new Intl.NumberFormat('cs-CZ').format(1234.5),
    );
    console.log(
      new Intl.DateTimeFormat('en-US', { timeZone: 'UTC' }).format(new Date(0)),
      new Intl.DateTimeFormat('de-DE', { timeZone: 'UTC' }).format(new Date(0)),
      new Date(0).toLocaleDateString('fr-FR', { timeZone: 'UTC', year: 'numeric', month: 'long', day: 'numeric' }),
    );
  });
  it('percent and units', () => {
    console.log(
      new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 }).format(0.1234),
      new Intl.NumberFormat('cs-CZ', { style: 'currency', currency: 'CZK' }).format(1234.5),
      new Intl.NumberFormat('fr-FR').format(1234567.8),
      new Intl.NumberFormat('de-DE', { minimumFractionDigits: 2 }).format(5),
    );
  });
  it('dates in words', () => {
    const date = new Date(Date.UTC(2024, 1, 29, 15, 4, 5));
    for (const language of ['en-US', 'en-GB', 'de-DE', 'cs-CZ', 'fr-FR'])
      console.log(
        date.toLocaleDateString(language, {
          timeZone: 'UTC',
          weekday: 'long',
          year: 'numeric',
          month: 'long',
          day: 'numeric',
        }),
        '|',
        date.toLocaleTimeString(language, { timeZone: 'Europe/Prague', hour: '2-digit', minute: '2-digit' }),
      );
  });
});
