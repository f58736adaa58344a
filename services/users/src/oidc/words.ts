/** What the pages say, in the languages that they speak. */

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

const english = {
  signIn: 'Sign in',
  email: 'E-mail',
  password: 'Password',
  goesTo: 'to go on to',
  cancel: 'Cancel',
  consent: 'Allow access?',
  wants: 'wants to',
  allow: 'Allow',
  refuse: 'Don’t allow',
  signOut: 'Sign out?',
  signOutText: 'You can sign out of Svyaz in this browser, or stay signed in.',
  signOutButton: 'Sign out',
  stay: 'Stay signed in',
  continue: 'Continue',
  signedOut: 'You are signed out',
  signedOutText: 'You can close this page.',
  error: 'This didn’t work',
  errorText: 'Go back to where you came from and try again.',
  expired: 'This sign-in took too long, or was begun in another browser. Go back and begin again.',
  wrong: 'The e-mail or the password is wrong.',
  blocked: 'This user is blocked.',
  wait: 'Too many attempts. Wait a little before you try again.',
  away: 'This doesn’t work at the moment. Try again.',
  scopes: {
    openid: 'know who you are',
    profile: 'see your name',
    email: 'see your e-mail address',
    roles: 'see your roles',
    offline_access: 'act for you while you are away',
  } as Record<string, string>,
  acts: 'act for you: place, change and cancel orders',
}
export type Words = typeof english

const russian: Words = {
  signIn: 'Вход',
  email: 'Эл. почта',
  password: 'Пароль',
  goesTo: 'чтобы продолжить в',
  cancel: 'Отмена',
  consent: 'Разрешить доступ?',
  wants: 'просит разрешения',
  allow: 'Разрешить',
  refuse: 'Не разрешать',
  signOut: 'Выйти?',
  signOutText: 'Вы можете выйти из «Связи» в этом браузере или остаться.',
  signOutButton: 'Выйти',
  stay: 'Остаться',
  continue: 'Продолжить',
  signedOut: 'Вы вышли',
  signedOutText: 'Эту страницу можно закрыть.',
  error: 'Не получилось',
  errorText: 'Вернитесь туда, откуда пришли, и попробуйте ещё раз.',
  expired: 'Вход занял слишком много времени или был начат в другом браузере. Вернитесь и начните заново.',
  wrong: 'Неверный адрес или пароль.',
  blocked: 'Этот пользователь заблокирован.',
  wait: 'Слишком много попыток. Подождите немного и попробуйте ещё раз.',
  away: 'Сейчас не получается. Попробуйте ещё раз.',
  scopes: {
    openid: 'узнать, кто вы',
    profile: 'видеть ваше имя',
    email: 'видеть адрес вашей эл. почты',
    roles: 'видеть ваши роли',
    offline_access: 'действовать за вас, пока вас нет',
  },
  acts: 'действовать за вас: оформлять, менять и отменять заказы',
}

export const words: Readonly<Record<Language, Words>> = { en: english, ru: russian }

/** The first language that is spoken here: of the request's `ui_locales`, then of the browser. English if none is. */
export const pickLanguage = (uiLocales: unknown, acceptLanguage: string | undefined): Language => {
  const wanted = [
    ...(typeof uiLocales === 'string' ? uiLocales.split(' ') : []),
    ...(acceptLanguage ?? '').split(',').map((range) => range.split(';', 1)[0]!.trim()),
  ]
  const primary = wanted.map((tag) => tag.toLowerCase().split('-', 1)[0])
  return primary.map((tag) => languages.find((language) => language === tag)).find(Boolean) ?? 'en'
}

/** The language for a request to the provider. */
export const languageOf = (koa: { oidc?: { params?: object | undefined }; get(header: string): string }): Language => {
  const { ui_locales: uiLocales } = (koa.oidc?.params ?? {}) as { ui_locales?: unknown }
  return pickLanguage(uiLocales, koa.get('accept-language'))
}
