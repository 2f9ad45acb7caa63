// The faces in the order of the bar. What is listed here works; nothing else is in the navigation.

import type { Face } from './lib/face';
import { admin } from './pages/admin/face';
import { apps } from './pages/apps/face';
import { audit } from './pages/audit/face';
import { tracker } from './pages/board/face';
import { home } from './pages/home/face';
import { jobs } from './pages/jobs/face';

export const faces: Face[] = [home, tracker, apps, jobs, audit, admin];
