import './style/fonts.css';
import './style/values.css';
import './style/base.css';
import './style/parts.css';
import './style/bar.css';
import './style/print.css';
import './lib/theme.svelte';
import { mount } from 'svelte';
import { faces } from './faces';
import { begin } from './lib/live.svelte';
import { find } from './lib/router.svelte';
import { readMe } from './lib/me.svelte';
import { asFailure } from './lib/failure';
import App from './frame/App.svelte';
import Broken from './frame/Broken.svelte';

// The page's code comes while the server says who is asking.
const here = find(faces.flatMap((face) => face.pages), location.pathname);
here?.page.load().catch(() => undefined);
begin();
here?.page.ahead?.(here.params);

const target = document.createElement('div');
target.id = 'app';
document.body.append(target);

readMe().then(
  () => mount(App, { target }),
  (error: unknown) => mount(Broken, { target, props: { failure: asFailure(error) } }),
);
