// What an element says: to both runners it is what a person sees.
const IDS =
  'plain spaces upper pre line nbsp soft zero thin czech emoji hidden invisible clear below tiny outside before first away narrow clip flat empty break mixed button link select option other area input cell head details summary inside drawn code label host shadowed';

describe('texts', () => {
  before(() => browser.url('/texts.html'));
  for (const id of IDS.split(' ')) {
    it(`of ${id}, at once`, async () => {
      console.log(JSON.stringify(await $(`#${id}`).getText()));
    });
  }
  it('of an element that was found before', async () => {
    const element = await $('#plain');
    console.log(await element.getText(), await element.getText());
    await browser.execute(() => {
      document.querySelector('#plain').textContent = 'Changed';
    });
    console.log(await element.getText());
  });
  it('of what is kept before it is found', async () => {
    const later = $('#spaces');
    console.log(await later.getText());
    await browser.execute(() => {
      document.querySelector('#spaces').textContent = 'Changed';
    });
    console.log(await later.getText());
  });
  it('of what is not there', async () => {
    await $('#nowhere').getText();
  });
  it('of a selector that is none', async () => {
    await $('p[').getText();
  });
});
