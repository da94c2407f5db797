// A page object: what is on a page, in one place.
class HomePage {
  get more() {
    return $('p a');
  }

  async open() {
    await browser.url('/');
  }
}

module.exports = new HomePage();
