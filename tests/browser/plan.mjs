// A project in mid-iteration, as the pictures show one.

import { api } from './browser.mjs';

/** Name, type, state, points, labels, owner's place in the list of members; from the top of the board to its end. */
const stories = [
  ['Pay with a saved card', 'feature', 'accepted', 2, ['payments'], 0],
  ['Totals round up twice on split orders', 'bug', 'accepted', null, ['payments'], 1],
  ['Show the delivery date before payment', 'feature', 'delivered', 3, ['delivery', 'checkout'], 0],
  ['Address book in one step', 'feature', 'finished', 2, ['checkout'], 1],
  ['Move images to the new store', 'chore', 'started', null, [], 1],
  ['checkout-web ran out of memory', 'bug', 'unstarted', null, ['crash', 'checkout-web'], null],
  ['Order history for guests', 'feature', 'unstarted', 3, ['accounts'], null],
  ['Recommend by basket, from the job basket-rank', 'feature', 'unstarted', 5, ['recommendations'], null],
  ['Remember the last delivery choice', 'feature', 'unstarted', 1, ['delivery'], null],
  ['Winter sale', 'release', 'unstarted', null, [], null],
  ['Gift cards', 'feature', 'unstarted', 3, ['payments'], null],
  ['Split an order over two addresses', 'feature', 'unstarted', 8, ['delivery', 'checkout'], null],
  ['Receipts by e-mail in the language of the order', 'feature', 'unstarted', 2, ['accounts'], null],
  ['Pay later in three parts', 'feature', 'unscheduled', null, ['payments'], null],
  ['Dark receipts', 'feature', 'unscheduled', 2, [], null],
  ['Remove the job price-old, not called for 91 days', 'chore', 'unscheduled', null, [], null],
  ['Search forgets accents', 'bug', 'unscheduled', null, ['search'], null],
];

/** Makes it once; answers its id. */
export async function plan() {
  const known = await api('GET', '/services/v5/projects');
  const made = known.find((project) => project.name === 'Webshop');
  if (made) return made.id;
  const { id } = await api('POST', '/services/v5/projects', { name: 'Webshop', point_scale: '0,1,2,3,5,8', initial_velocity: 14 });
  const at = `/services/v5/projects/${id}`;
  await api('POST', `${at}/memberships`, { email: 'bo@example.org', role: 'member' });
  const members = (await api('GET', `${at}/memberships`)).map((one) => one.person.id).sort((a, b) => a - b);
  await api('POST', `${at}/epics`, { name: 'Payments', label: { name: 'payments' } });
  await api('POST', `${at}/epics`, { name: 'Delivery', label: { name: 'delivery' } });
  // Each new one stands above those before it.
  for (const [name, story_type, current_state, estimate, labels, owner] of stories.toReversed()) {
    const story = { name, story_type, current_state, labels };
    if (estimate !== null) story.estimate = estimate;
    if (owner !== null) story.owner_ids = [members[owner]];
    if (story_type === 'release') story.deadline = new Date(Date.now() + 40 * 86_400_000).toISOString();
    const one = await api('POST', `${at}/stories`, story);
    if (name === 'Show the delivery date before payment') {
      await api('PUT', `${at}/stories/${one.id}`, { description: 'Customers ask **before** they pay.\n\n- the day, not the hour\n- from the carrier, `null` if it does not answer' });
      for (const description of ['Ask the carrier', 'Show it in the basket']) await api('POST', `${at}/stories/${one.id}/tasks`, { description });
      await api('POST', `${at}/stories/${one.id}/comments`, { text: 'On staging. The date is that of the **slowest** item.' });
    }
    if (name === 'Order history for guests') await api('POST', `${at}/stories/${one.id}/blockers`, { description: 'Waits for the lawyers' });
  }
  return id;
}
