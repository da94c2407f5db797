class Page {
  get user() {
    return $('#user');
  }
  get result() {
    return $('#result').getText();
  }
  open() {
    browser.url('/form.html');
  }
  login(name) {
    this.user.setValue(name);
    $('#send').click();
  }
}
module.exports = new Page();
