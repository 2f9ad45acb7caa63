// The API page: every call can be made from here, with the token that was given by Authorize and with no cookie.
let token = '';

document.querySelector('#authorize').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = document.querySelector('#token');
  token = input.value.trim();
  input.value = '';
  document.querySelector('#authorized').textContent = token ? 'Calls are made with this token until the page is closed.' : '';
});

for (const form of document.querySelectorAll('form.call')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const path = [...form.querySelectorAll('input[data-part]')].reduce(
      (path, { dataset, value }) =>
        path.replace(dataset.part, dataset.part.startsWith('{*') ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value)),
      form.dataset.path,
    );
    const query = form.querySelector('[name=query]').value.trim();
    const body = form.querySelector('[name=body]')?.value.trim() || undefined;
    const headers = { ...(token && { 'X-Racetrack-Auth': token }), ...(body && { 'Content-Type': 'application/json' }) };
    const answer = form.querySelector('output');
    answer.textContent = '…';
    try {
      const response = await fetch(path + (query && `?${query}`), { method: form.dataset.method, headers, body, credentials: 'omit' });
      answer.textContent = `${response.status} ${response.statusText}\n\n${await response.text()}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  });
}
