// The sign-in leads to the view that was asked for, and says where a token was not the right one.

const form = document.querySelector('form');
form.action = `/login${location.hash}`;
document.getElementById('wrong').hidden = location.search !== '?wrong';
